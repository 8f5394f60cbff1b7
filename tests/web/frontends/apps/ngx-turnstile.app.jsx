import "zone.js";
import "@angular/compiler";
import { Component, signal, provideZoneChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { NgxTurnstileModule } from "ngx-turnstile";
import { SITE_KEY, say, shown } from "./page.js";

class Page {
  numbers = signal([]);
  key = SITE_KEY;
  solved(at, token) { if (token) say(at, "solved", token); }
  errored(at, error) { say(at, "error", error); }
}
const Root = Component({
  selector: "#root",
  imports: [NgxTurnstileModule],
  template: `<form>@for (at of numbers(); track at) {
    <ngx-turnstile [siteKey]="key" (resolved)="solved(at, $event)" (errored)="errored(at, $event)"></ngx-turnstile>
  }</form>`,
})(Page);

bootstrapApplication(Root, { providers: [provideZoneChangeDetection()] }).then((app) => {
  const { instance } = app.components[0];
  shown((count) => {
    instance.numbers.set([...Array(count).keys()]);
    app.tick();
  });
});
