using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Hosting;

/// <summary>
/// Readiness fails while RabbitMQ cannot be reached or accepts no messages, and while this server catches up with a RabbitMQ stream.
/// </summary>
internal sealed class RabbitMQHealthCheck(RabbitMQConnection broker, RabbitMQStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(FindFault() is { } fault
            ? new HealthCheckResult(context.Registration.FailureStatus, fault)
            : HealthCheckResult.Healthy());

    private string? FindFault() =>
        !broker.IsOpen ? "RabbitMQ cannot be reached. The log messages say why."
        : broker.IsBlocked ? RabbitMQConnection.BlockedMessage
        : store.IsBehind ? "The server is catching up with RabbitMQ streams."
        : null;
}
