namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>
/// How long a broker that does not answer is waited for. RabbitMQ's client waits to the end of its own timeouts, whatever is cancelled.
/// </summary>
internal static class RabbitMQPatience
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Closes a connection or a channel, and waits one second at most. Over a dead connection the closing lasts until the client gives
    /// up, which it does by itself.
    /// </summary>
    internal static Task DisposeWithTimeoutAsync(this IAsyncDisposable connection) =>
        Task.WhenAny(connection.DisposeAsync().AsTask(), Task.Delay(Timeout));

    /// <summary>Waits for a connection or a channel. What opens after the cancellation is closed.</summary>
    internal static async Task<T> OrCloseAsync<T>(this Task<T> opening, CancellationToken cancellationToken)
        where T : IAsyncDisposable
    {
        try
        {
            return await opening.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _ = CloseAsync(opening);
            throw;
        }
    }

    private static async Task CloseAsync<T>(Task<T> opening)
        where T : IAsyncDisposable
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully)
        {
            await opening.Result.DisposeWithTimeoutAsync();
        }
    }
}
