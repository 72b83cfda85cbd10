-- What wrk sends: bodies and paths by turns, each a line of a file.
--
--   wrk ... -s load.lua URL -- TYPE BODIES PATHS MARK
--
-- `{n}` in a path becomes MARK and a number that no other request of this run has.

local bodies, paths, mark, turn = {}, {}, "", 0

local function lines(name)
  local found = {}
  for line in io.lines(name) do
    found[#found + 1] = line
  end
  return found
end

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = args[1]
  bodies, paths, mark = lines(args[2]), lines(args[3]), args[4]
end

function request()
  local path = paths[turn % #paths + 1]
  local body = bodies[turn % #bodies + 1]
  turn = turn + 1
  return wrk.format(nil, (path:gsub("{n}", mark .. turn)), nil, body)
end

function done(summary, latency)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"refused":%d,"lost":%d,"late":%d,'
      .. '"p50_us":%.1f,"p99_us":%.1f}\n',
    summary.requests, summary.duration, summary.bytes, summary.errors.status, lost,
    summary.errors.timeout, latency:percentile(50), latency:percentile(99)
  ))
end
