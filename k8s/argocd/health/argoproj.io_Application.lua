-- Without this, waves between applications do not wait for each other.
local health = { status = "Progressing", message = "" }
if obj.status ~= nil and obj.status.health ~= nil then
  health.status = obj.status.health.status or "Progressing"
  health.message = obj.status.health.message or ""
end
return health
