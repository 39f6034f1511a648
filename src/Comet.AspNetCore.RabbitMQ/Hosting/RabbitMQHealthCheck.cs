using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Hosting;

/// <summary>Not ready while the broker is away, takes no messages, or its streams were not caught up with.</summary>
internal sealed class RabbitMQHealthCheck(RabbitMQConnection broker, RabbitMQStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(
            !broker.IsOpen ? new HealthCheckResult(context.Registration.FailureStatus, "RabbitMQ cannot be reached.")
            : broker.IsBlocked ? new HealthCheckResult(context.Registration.FailureStatus, RabbitMQConnection.BlockedMessage)
            : store.IsBehind ? new HealthCheckResult(context.Registration.FailureStatus, "Streams of RabbitMQ are being caught up with.")
            : HealthCheckResult.Healthy());
}
