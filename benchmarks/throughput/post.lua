-- wrk's script: posts the request bodies of a file, one a line, in turn.
-- After the end: one line of figures, microseconds and counts, for the program that started wrk.

local requests = {}
local next = 0

function init(arguments)
    wrk.headers["Content-Type"] = "application/json"
    if arguments[3] ~= nil and arguments[3] ~= "" then
        wrk.headers["Accept-Encoding"] = arguments[3]
    end
    for body in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("POST", nil, nil, body)
    end
    next = math.floor(#requests * tonumber(arguments[2]))
end

function request()
    next = next % #requests + 1
    return requests[next]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"failed":%d,"rejected":%d}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
