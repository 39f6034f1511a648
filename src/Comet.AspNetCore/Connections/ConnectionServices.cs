using Comet.AspNetCore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Connections;

/// <summary>What every stream uses.</summary>
internal sealed record ConnectionServices(ConnectionAcceptor Gate, ConnectionLifetime Lifetime, CometMetrics Metrics, ILogger<CometResult> Logger);
