namespace Comet.AspNetCore.RabbitMQ.Connecting;

internal static class Farewell
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Closes a connection or a channel, but does not wait long: over a connection that is dead without knowing it, that takes until the
    /// client gives up, which it does by itself.
    /// </summary>
    internal static Task SayAsync(IAsyncDisposable connection) => Task.WhenAny(connection.DisposeAsync().AsTask(), Task.Delay(Patience));
}
