namespace Comet.AspNetCore.RabbitMQ.Connections;

internal static class RetryDelay
{
    /// <summary>Waits 0.5 to 1.5 seconds after a failure, at random, so that many servers do not come back at the same moment.</summary>
    internal static async Task WaitAsync(CancellationToken stopping) =>
        await Task.Delay(Random.Shared.Next(500, 1500), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
