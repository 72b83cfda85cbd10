-- A volume of a class that waits for its first pod is bound when that pod comes, which may be a CronJob's
-- and hours away, or in a later wave. Argo CD's own check would wait for it.
local phase = (obj.status or {}).phase or "Pending"

if phase == "Lost" then
  return { status = "Degraded", message = "The volume is lost" }
end
if phase == "Bound" then
  return { status = "Healthy", message = "Bound" }
end
return { status = "Healthy", message = "Waits for a volume, or for the first pod that wants it" }
