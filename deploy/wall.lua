-- The wall with HAProxy: each request is asked about, and whatever may not pass gets what captcha_stateless answers: the wall, at the
-- page's own address, or a bare 401. Where it cannot be asked nobody passes.

local AUTH = "http://127.0.0.1:8079/auth?deny=page&at=/captcha&sitekey="
local PATIENCE = 5000 -- milliseconds
-- What belongs to one connection, or to a body that stays here.
local OURS = {
    ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["te"] = true, ["trailer"] = true,
    ["upgrade"] = true, ["expect"] = true, ["content-length"] = true, ["host"] = true, ["proxy-connection"] = true,
}

local function listed(values)
    local list = {}
    for _, value in pairs(values) do
        list[#list + 1] = value
    end
    return list
end

core.register_action("captcha", { "http-req" }, function(txn, site)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not OURS[name] then
            headers[name] = listed(values)
        end
    end
    headers["x-forwarded-method"] = { txn.f:method() }
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    local answer = core.httpclient():get({ url = AUTH .. site, headers = headers, timeout = PATIENCE })
    if answer.status == 204 then
        txn:set_var("txn.passed", true)
        return
    end
    local reply = txn:reply({ status = answer.status ~= 0 and answer.status or 503, body = answer.body })
    for name, values in pairs(answer.headers or {}) do
        if not OURS[name] then
            for _, value in ipairs(listed(values)) do
                reply:add_header(name, value)
            end
        end
    end
    txn:done(reply)
end, 1)
