local health = { status = "Progressing", message = "Waiting for the operator" }
local status = obj.status

if status == nil then
  return health
end
if status.state == "suspended" or (obj.spec ~= nil and obj.spec.suspend and status.state ~= "ready") then
  return { status = "Suspended", message = "Suspended" }
end
if status.state == "failed" then
  return { status = "Degraded", message = status.reason or "The operator gave up" }
end
if status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and status.observedGeneration < obj.metadata.generation then
  health.message = "The operator has not seen the newest specification"
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local failure, head = conditions.ReplicaFailure, conditions.HeadPodReady
local provisioned = conditions.RayClusterProvisioned ~= nil
    and conditions.RayClusterProvisioned.status == "True"

if failure ~= nil and failure.status == "True" then
  return { status = "Degraded", message = failure.reason .. ": " .. (failure.message or "") }
end
if head ~= nil and head.status == "False" then
  -- Once a cluster has run, a head that is away is a fault and not a start.
  return {
    status = provisioned and "Degraded" or "Progressing",
    message = "Head: " .. (head.message or head.reason or "not ready"),
  }
end
if provisioned or status.state == "ready" then
  return { status = "Healthy", message = tostring(status.readyWorkerReplicas or 0) .. " workers are ready" }
end
return health
