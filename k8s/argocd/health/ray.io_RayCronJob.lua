-- Its status says when it fired last and nothing of how its jobs went; alerts watch those.
-- Healthy when suspended, too: a wave waits for ever for what is `Suspended`.
if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Healthy", message = "Suspended: a CronJob starts its jobs, or nobody" }
end
local last = (obj.status or {}).lastScheduleTime
if last ~= nil then
  return { status = "Healthy", message = "Last started a job at " .. last }
end
return { status = "Healthy", message = "No job yet; without the gate RayCronJob there will be none" }
