-- Without this, waves between applications do not wait for each other. What an application says of its
-- health is of what is there: it counts when that is what Git has.
local spec, status = obj.spec or {}, obj.status
local automated = (spec.syncPolicy or {}).automated
local phase = ((status or {}).operationState or {}).phase
local sync = (status or {}).sync or {}
local compared = ((sync.comparedTo or {}).source or {}).targetRevision

if status == nil or status.health == nil then
  return { status = "Progressing", message = "Waiting for Argo CD" }
end
if phase == "Running" or phase == "Terminating" then
  return { status = "Progressing", message = "Syncing: " .. (status.operationState.message or "") }
end
if automated ~= nil and automated.enabled ~= false then
  if sync.status ~= "Synced" then
    local said = (status.operationState or {}).message or ""
    return { status = "Progressing", message = (sync.status or "Not compared yet") .. ": " .. said }
  end
  if compared ~= nil and compared ~= (spec.source or {}).targetRevision then
    return { status = "Progressing", message = "Not compared yet" }
  end
end
return { status = status.health.status or "Progressing", message = status.health.message or "" }
