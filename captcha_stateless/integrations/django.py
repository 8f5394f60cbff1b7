"""Django: a form field that is right with a right pass only.

::

    client = Client("https://captcha.example", secret=...)

    class SignUp(forms.Form):
        captcha = PassField(client, script="https://captcha.example/captcha.js", site_key="...")
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString

from captcha_stateless.client import Client, token_from


class PassWidget(forms.Widget):
    """Shows the element, and reads the hidden field that it adds to its form, whatever the Django field is called."""

    def __init__(self, script: str, site_key: str, action: str | None) -> None:
        super().__init__()
        self._script, self._site_key, self._action = script, site_key, action

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Write the script and the element."""
        return format_html(
            '<script src="{}" async></script>'
            '<captcha-stateless name="captcha-pass" sitekey="{}" action="{}"></captcha-stateless>',
            self._script,
            self._site_key,
            self._action or "",
        )

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str | None:
        """Find the pass among the form's fields."""
        return token_from(data)


class PassField(forms.Field):
    """Uses up the pass that a form brings; its cleaned value is the verdict."""

    def __init__(
        self,
        client: Client,
        *,
        script: str = "",
        site_key: str = "",
        action: str | None = None,
        **options: Any,
    ) -> None:
        options.setdefault("label", "")
        super().__init__(widget=PassWidget(script, site_key, action), **options)
        self._client, self._action = client, action

    def clean(self, value: Any) -> Any:
        """Return the verdict of a right pass.

        Raises:
            ValidationError: when there is no pass, or it is not right.
        """
        verdict = self._client.verify(super().clean(value), action=self._action)
        if not verdict:
            raise ValidationError("Please solve the CAPTCHA again.", code="captcha")
        return verdict
