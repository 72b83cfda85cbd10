-- A night that failed is for an alert: Argo CD's own check would stop the next deployment, which may be
-- the one that mends it.
if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Healthy", message = "Suspended" }
end
local status = obj.status or {}
local last, good = status.lastScheduleTime, status.lastSuccessfulTime

if last == nil then
  return { status = "Healthy", message = "Not started yet" }
end
if status.active ~= nil and #status.active > 0 then
  return { status = "Healthy", message = "Runs since " .. last }
end
if good == nil or good < last then
  return { status = "Healthy", message = "The last one did not succeed: " .. last }
end
return { status = "Healthy", message = "Last succeeded at " .. good }
