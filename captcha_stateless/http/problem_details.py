"""Problem details (RFC 9457): their form, and the titles of the statuses in the languages that we speak."""

from collections.abc import Mapping
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"

# The type is about:blank, so the title is the status's own phrase, which may be translated (RFC 9457, section 4.2.1).
TITLES: dict[str, Mapping[HTTPStatus, str]] = {
    "en": {status: status.phrase for status in HTTPStatus},
    "de": {
        HTTPStatus.BAD_REQUEST: "Ungültige Anfrage",
        HTTPStatus.UNAUTHORIZED: "Nicht berechtigt",
        HTTPStatus.FORBIDDEN: "Verweigert",
        HTTPStatus.NOT_FOUND: "Nicht gefunden",
        HTTPStatus.METHOD_NOT_ALLOWED: "Methode nicht erlaubt",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Anfrage zu groß",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Medientyp nicht unterstützt",
        HTTPStatus.TOO_MANY_REQUESTS: "Zu viele Anfragen",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Interner Serverfehler",
        HTTPStatus.SERVICE_UNAVAILABLE: "Vorübergehend nicht verfügbar",
    },
    "es": {
        HTTPStatus.BAD_REQUEST: "Solicitud incorrecta",
        HTTPStatus.UNAUTHORIZED: "No autorizado",
        HTTPStatus.FORBIDDEN: "Prohibido",
        HTTPStatus.NOT_FOUND: "No encontrado",
        HTTPStatus.METHOD_NOT_ALLOWED: "Método no permitido",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Solicitud demasiado grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo de contenido no admitido",
        HTTPStatus.TOO_MANY_REQUESTS: "Demasiadas solicitudes",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Error interno del servidor",
        HTTPStatus.SERVICE_UNAVAILABLE: "No disponible temporalmente",
    },
    "fr": {
        HTTPStatus.BAD_REQUEST: "Requête incorrecte",
        HTTPStatus.UNAUTHORIZED: "Non autorisé",
        HTTPStatus.FORBIDDEN: "Accès refusé",
        HTTPStatus.NOT_FOUND: "Introuvable",
        HTTPStatus.METHOD_NOT_ALLOWED: "Méthode non autorisée",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Requête trop volumineuse",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Type de contenu non pris en charge",
        HTTPStatus.TOO_MANY_REQUESTS: "Trop de requêtes",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Erreur interne du serveur",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporairement indisponible",
    },
    "it": {
        HTTPStatus.BAD_REQUEST: "Richiesta non valida",
        HTTPStatus.UNAUTHORIZED: "Non autorizzato",
        HTTPStatus.FORBIDDEN: "Accesso negato",
        HTTPStatus.NOT_FOUND: "Non trovato",
        HTTPStatus.METHOD_NOT_ALLOWED: "Metodo non consentito",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Richiesta troppo grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo di contenuto non supportato",
        HTTPStatus.TOO_MANY_REQUESTS: "Troppe richieste",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Errore interno del server",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporaneamente non disponibile",
    },
    "pt": {
        HTTPStatus.BAD_REQUEST: "Pedido inválido",
        HTTPStatus.UNAUTHORIZED: "Não autorizado",
        HTTPStatus.FORBIDDEN: "Proibido",
        HTTPStatus.NOT_FOUND: "Não encontrado",
        HTTPStatus.METHOD_NOT_ALLOWED: "Método não permitido",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Pedido demasiado grande",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Tipo de conteúdo não suportado",
        HTTPStatus.TOO_MANY_REQUESTS: "Demasiados pedidos",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Erro interno do servidor",
        HTTPStatus.SERVICE_UNAVAILABLE: "Temporariamente indisponível",
    },
}


def document(status: HTTPStatus, detail: str, instance: str, language: str) -> dict[str, str | int]:
    """Make the members of a problem, in the RFC's order."""
    return {
        "type": "about:blank",
        "title": TITLES[language][status],
        "status": status,
        "detail": detail,
        "instance": instance,
    }
