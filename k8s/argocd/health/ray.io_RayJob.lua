local status = obj.status or {}
local deployment = status.jobDeploymentStatus or ""
local said = status.message or status.reason or ""

if deployment == "Failed" or deployment == "ValidationFailed" then
  return { status = "Degraded", message = deployment .. ": " .. (status.reason or "") .. " " .. (status.message or "") }
end
if deployment == "Complete" then
  if status.jobStatus == "SUCCEEDED" then
    return { status = "Healthy", message = "Succeeded" }
  end
  return { status = "Degraded", message = (status.jobStatus or "Ended") .. ": " .. said }
end
if deployment == "Suspended" or deployment == "Suspending" or (obj.spec ~= nil and obj.spec.suspend) then
  return { status = "Suspended", message = "Suspended" }
end
return { status = "Progressing", message = deployment ~= "" and deployment or "Waiting for the operator" }
