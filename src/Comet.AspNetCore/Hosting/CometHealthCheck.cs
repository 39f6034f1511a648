using Comet.AspNetCore.Connections;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.Hosting;

/// <summary>Not ready while the host stops or drains, so that a load balancer sends nobody here any more.</summary>
internal sealed class CometHealthCheck(ConnectionShutdown shutdown) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(shutdown.IsStopping
            ? new HealthCheckResult(context.Registration.FailureStatus, "The server is shutting down.")
            : HealthCheckResult.Healthy());
}
