vcl 4.1;

# Varnish before a replica or a balancer: it keeps what the server marks as public, and nothing without a word of its own.

backend captcha {
    .host = "127.0.0.1";
    .port = "8001";
    .connect_timeout = 1s;
    .first_byte_timeout = 10s;
}

sub vcl_recv {
    # Neither with a query or a fragment, nor in another spelling: no first word of our paths needs to be percent-encoded.
    if (req.url ~ "^/(metrics|livez|readyz)([/?#]|$)" || req.url ~ "^/[^/?]*%") {
        return (synth(404));
    }
    # CAPTCHA_RISK_HEADER: a visitor's own word on himself does not count.
    unset req.http.X-Risk-Score;
    # Nothing that is public here depends on a cookie; what does, says no-store.
    if (req.method == "GET" && req.url ~ "(?i)^((/tornevall)?/[23]\.0/captcha/getimage/[\w./-]+|/([\w-]+/)?([\w.-]+/)?[\w.-]+\.js)(\?|$)") {
        unset req.http.Cookie;
    }
}

sub vcl_backend_response {
    # By itself Varnish would keep an answer without Cache-Control for two minutes.
    if (beresp.http.Cache-Control !~ "(?i)public") {
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
    }
}
