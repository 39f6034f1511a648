using Comet.AspNetCore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Streams;

/// <summary>What every stream uses.</summary>
internal sealed record StreamServices(StreamGate Gate, StreamLifetime Lifetime, CometMetrics Metrics, ILogger<CometResult> Logger);
