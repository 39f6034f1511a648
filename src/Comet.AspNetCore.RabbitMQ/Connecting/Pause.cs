namespace Comet.AspNetCore.RabbitMQ.Connecting;

internal static class Pause
{
    /// <summary>Half a second to a second and a half, so that many servers do not come back at the same moment.</summary>
    internal static async Task AfterFailureAsync(CancellationToken stopping) =>
        await Task.Delay(Random.Shared.Next(500, 1500), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
