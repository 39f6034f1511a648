using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// Writes a stream that has its task to itself: the whole stream of a sequence, and a feed's until it has caught up. What is written
/// gathers in a buffer until it is flushed.
/// </summary>
/// <param name="connection">Where to.</param>
/// <param name="services">What every stream uses.</param>
/// <param name="feed">The family of the feed, for metrics; null for a sequence.</param>
internal sealed class ConnectionWriter(Connection connection, ConnectionServices services, string? feed) : IDisposable
{
    // What a stream keeps of its buffer while it waits for its client, or for the next message.
    private const int KeptCapacity = 4096;

    private readonly FrameBuffer _buffer = new();
    private int _messages;

    /// <summary>How many bytes are not flushed yet.</summary>
    internal int UnflushedBytes => _buffer.Length;

    /// <summary>Writes what precedes the first message.</summary>
    /// <param name="settings">The stream's.</param>
    /// <param name="position">Where a feed's stream starts.</param>
    /// <param name="recovered">Whether it starts where the client asked for; null: the client did not ask.</param>
    internal void WriteHead(ConnectionSettings settings, FeedPosition? position = null, bool? recovered = null)
    {
        connection.Format.WriteHead(_buffer, settings.Padding, settings.InitialChunk);
        connection.Format.WriteControl(_buffer, ControlMessage.Open(position?.ToString(), recovered, settings.Heartbeat));
    }

    /// <inheritdoc cref="WireFormat.WriteMessage"/>
    internal void WriteMessage(ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix = default, long offset = 0)
    {
        connection.Format.WriteMessage(_buffer, value, idPrefix, offset);
        _messages++;
    }

    /// <summary>Writes a heartbeat.</summary>
    /// <param name="position">What the client names from now on when it comes back; null: what it did.</param>
    internal void WriteHeartbeat(FeedPosition? position = null) => connection.Format.WriteControl(
        _buffer, position is { } moved ? ControlMessage.HeartbeatAt(moved.ToString()) : ControlMessage.Heartbeat);

    /// <inheritdoc cref="WriteDeadline.WriteAsync(Connection, FrameBuffer)"/>
    internal ValueTask<EndReason?> FlushAsync()
    {
        if (_buffer.Length == 0)
        {
            return default;
        }
        services.Metrics.Delivered(connection.Format.Name, feed, _messages, _buffer.Length);
        _messages = 0;
        var write = services.WriteDeadline.WriteAsync(connection, _buffer);
        _buffer.Shrink(KeptCapacity);
        return write;
    }

    /// <summary>Writes what is not flushed yet, and then one message that connections share.</summary>
    /// <inheritdoc cref="WriteDeadline.WriteAsync(Connection, FrameBuffer)"/>
    internal async ValueTask<EndReason?> WriteAsync(EncodedFrame message)
    {
        if (await FlushAsync() is { } ended)
        {
            return ended;
        }
        services.Metrics.Delivered(connection.Format.Name, feed, 1, message.Content.Length);
        return await services.WriteDeadline.WriteAsync(connection, message);
    }

    /// <summary>Tells the client why the stream ends, unless it cannot be told.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="lastId">What a client that is not to come back, and does, names.</param>
    /// <returns>Why the stream has ended: for this reason, or for another that came first.</returns>
    internal async ValueTask<EndReason> EndAsync(EndReason reason, FeedPosition? lastId = null)
    {
        if (reason == EndReason.ClientDisconnected || connection.WasAborted)
        {
            return reason;
        }
        connection.Format.WriteControl(_buffer, services.EndMessage(reason, lastId));
        return await FlushAsync() ?? reason;
    }

    public void Dispose() => _buffer.Dispose();
}
