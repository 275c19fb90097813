-- For wrk: sends the requests of a file, one per line, at random, and ends with the figures as one line of JSON.

local requests = {}

function init(args)
    for line in io.lines(args[1]) do
        local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
        requests[#requests + 1] = wrk.format(method, path, nil, body ~= "" and body or nil)
    end
end

function request()
    return requests[math.random(#requests)]
end

function done(summary, latency, _)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format(
        '{"requests": %d, "errors": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d}\n',
        summary.requests, failed, summary.duration,
        latency:percentile(50), latency:percentile(95), latency:percentile(99)
    ))
end
