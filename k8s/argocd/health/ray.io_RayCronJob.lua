-- Its status says when it fired last and nothing of how its jobs went; alerts watch those.
if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Suspended", message = "Suspended" }
end
local last = (obj.status or {}).lastScheduleTime
if last ~= nil then
  return { status = "Healthy", message = "Last started a job at " .. last }
end
return { status = "Healthy", message = "No job yet; without the gate RayCronJob there will be none" }
