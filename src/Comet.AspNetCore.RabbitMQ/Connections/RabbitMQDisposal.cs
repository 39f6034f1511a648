namespace Comet.AspNetCore.RabbitMQ.Connections;

internal static class RabbitMQDisposal
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Closes a connection or a channel, and waits one second at most. Over a dead connection the closing lasts until the client gives
    /// up, which it does by itself.
    /// </summary>
    internal static Task DisposeWithTimeoutAsync(this IAsyncDisposable connection) =>
        Task.WhenAny(connection.DisposeAsync().AsTask(), Task.Delay(Timeout));
}
