-- For wrk: sends the requests of a file, and ends with the figures as one line of JSON.
--
-- A line is method, path, body and headers ("Name: value"), with tabs between them. The requests are chosen at random;
-- with "once" as second argument, each is sent once, in their order, and the measurement ends when there are no more.

local ffi = require("ffi")
ffi.cdef [[
    typedef struct { long seconds, nanoseconds; } moment;
    int clock_gettime(int clock, moment *now);
]]

local MONOTONIC = 1

local requests = {}
local once = false
local sent = 0
local thread
local now = ffi.new("moment")

-- Seen by done(), through the thread.
began, ended = 0, 0

local function microseconds()
    ffi.C.clock_gettime(MONOTONIC, now)
    return tonumber(now.seconds) * 1e6 + tonumber(now.nanoseconds) / 1e3
end

local function read(line)
    local parts = {}
    for part in (line .. "\t"):gmatch("([^\t]*)\t") do
        parts[#parts + 1] = part
    end
    local headers = {}
    for name, value in pairs(wrk.headers) do
        headers[name] = value
    end
    for number = 4, #parts do
        local name, value = parts[number]:match("^(.-): (.*)$")
        headers[name] = value
    end
    return wrk.format(parts[1], parts[2], headers, parts[3] ~= "" and parts[3] or nil)
end

function setup(one)
    thread = one
end

function init(args)
    for line in io.lines(args[1]) do
        requests[#requests + 1] = read(line)
    end
    once = args[2] == "once"
end

function request()
    if not once then
        return requests[math.random(#requests)]
    end
    if sent == 0 then
        began = microseconds()
    end
    sent = sent + 1
    if sent > #requests then
        ended = microseconds()
        wrk.thread:stop()
        -- Goes nowhere.
        return requests[1]
    end
    return requests[sent]
end

function done(summary, latency, _)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    -- Where the requests were used up, wrk has waited for nothing since.
    local used_up = thread:get("ended") > 0
    io.write(string.format(
        '{"requests": %d, "errors": %d, "microseconds": %d, "p50": %d, "p95": %d, "p99": %d}\n',
        summary.requests, failed, used_up and thread:get("ended") - thread:get("began") or summary.duration,
        latency:percentile(50), latency:percentile(95), latency:percentile(99)
    ))
end
