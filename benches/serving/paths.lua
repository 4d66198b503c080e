-- wrk asks for the paths of the file PATHS in turn; with TOKENS, each round through them as somebody else. Prints one line of JSON.
local function lines(name)
  local list = {}
  if name then
    for line in io.lines(name) do list[#list + 1] = line end
  end
  return list
end

local paths, tokens = lines(os.getenv("PATHS")), lines(os.getenv("TOKENS"))
local at = tonumber(os.getenv("START") or "0")

-- written once, so that wrk takes as little of the machine as it can
local written = {}

request = function()
  if #tokens == 0 then
    local here = at % #paths + 1
    at = at + 1
    local text = written[here]
    if not text then
      text = wrk.format("GET", paths[here])
      written[here] = text
    end
    return text
  end
  local path = paths[at % #paths + 1]
  local headers = { ["Authorization"] = "Bearer " .. tokens[math.floor(at / #paths) % #tokens + 1] }
  for name, value in pairs(wrk.headers) do headers[name] = value end
  at = at + 1
  return wrk.format("GET", path, headers)
end

done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%f,"bytes":%d,"p50_ms":%f,"p99_ms":%f,"bad":%d,"broken":%d}\n', summary.requests,
    summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
