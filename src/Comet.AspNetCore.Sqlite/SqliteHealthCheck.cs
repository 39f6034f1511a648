using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Readiness fails while the file cannot be written.</summary>
internal sealed class SqliteHealthCheck(SqliteStore store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await store.ProbeAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (FeedUnavailableException exception)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
        }
    }
}
