-- Healthy means: what was asked for last is being served. Argo CD has no check of its own for
-- ray.io, and would call a RayService healthy as soon as it is stored.
local health = { status = "Progressing", message = "Waiting for the operator" }
local status = obj.status

if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Suspended", message = "Suspended" }
end
if status == nil then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready

-- These two say what the operator made of the newest specification, or that it gave up.
if ready ~= nil and ready.status ~= "True" then
  if ready.reason == "ValidationFailed" or ready.reason == "InitializingTimeout" then
    return { status = "Degraded", message = ready.reason .. ": " .. (ready.message or "") }
  end
end
if status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and status.observedGeneration < obj.metadata.generation then
  health.message = "The operator has not seen the newest specification"
  return health
end

local function broken(cluster)
  for name, application in pairs((cluster or {}).applicationStatuses or {}) do
    if application.status == "DEPLOY_FAILED" or application.status == "UNHEALTHY" then
      return name .. " is " .. application.status .. ": " .. (application.message or "")
    end
  end
  return nil
end

local trouble = broken(status.pendingServiceStatus) or broken(status.activeServiceStatus)
if trouble ~= nil then
  return { status = "Degraded", message = trouble }
end
if conditions.RollbackInProgress ~= nil and conditions.RollbackInProgress.status == "True" then
  return { status = "Degraded", message = "Rolling back: " .. (conditions.RollbackInProgress.message or "") }
end
if conditions.UpgradeInProgress ~= nil and conditions.UpgradeInProgress.status == "True" then
  health.message = "A new cluster is taking over"
  return health
end
for name, application in pairs((status.activeServiceStatus or {}).applicationStatuses or {}) do
  if application.status ~= "RUNNING" then
    health.message = name .. " is " .. (application.status or "starting")
    return health
  end
end
if ready == nil then
  return health
end
if ready.status == "True" then
  return { status = "Healthy", message = tostring(status.numServeEndpoints or 0) .. " pods serve" }
end
-- It served once and does not any more.
if ready.reason == "ZeroServeEndpoints" and (status.activeServiceStatus or {}).rayClusterName ~= nil
    and status.activeServiceStatus.rayClusterName ~= "" then
  return { status = "Degraded", message = "No pod serves" }
end
health.message = ready.message or ready.reason or health.message
return health
