-- requests.lua - for wrk: the requests of a file, one after the other: method, path, headers and body, with tabs between them.
-- SPDX-License-Identifier: Apache-2.0
local requests, n = {}, 0

function init(args)
    for line in io.lines(args[1]) do
        local method, path, key, tenant, body = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)\t(.*)$")
        local headers = { ["X-API-Key"] = key, ["X-Tenant"] = tenant }
        if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
        requests[#requests + 1] = wrk.format(method, path, headers, body)
    end
end

function request()
    n = n % #requests + 1
    return requests[n]
end

function done(summary)
    local errors = summary.errors
    io.write(string.format('{"requests":%d,"seconds":%f,"failed":%d}\n', summary.requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
