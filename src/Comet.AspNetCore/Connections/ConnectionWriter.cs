using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// Writes a stream that has its task to itself: the whole stream of a sequence, and a feed's until it has caught up. What is written
/// gathers in a buffer until it is flushed; a stream that waits, for its client or for the next message, holds none.
/// </summary>
/// <param name="connection">Where to.</param>
/// <param name="services">What every stream uses.</param>
/// <param name="feeds">What metrics call the stream's feeds; null for a sequence.</param>
internal sealed class ConnectionWriter(Connection connection, ConnectionServices services, string? feeds) : IDisposable
{
    // What a thread keeps of the buffer that its streams take by turns: what is flushed in one go is seldom longer.
    private const int KeptCapacity = 32 * 1024;

    [ThreadStatic]
    private static FrameBuffer? t_spare;

    private FrameBuffer? _buffer;
    private int _messages;

    /// <summary>Where to.</summary>
    internal Connection Connection => connection;

    /// <summary>How many bytes are not flushed yet.</summary>
    internal int UnflushedBytes => _buffer?.Length ?? 0;

    /// <summary>The feed whose messages are written now, for metrics.</summary>
    internal string? Label { get; set; } = feeds;

    /// <summary>Whether a message was written.</summary>
    internal bool HasWritten { get; private set; }

    /// <summary>Writes what precedes the first message, up to the <c>open</c>.</summary>
    internal void WriteHead(ConnectionSettings settings) => connection.Format.WriteHead(Buffer, settings.Padding, settings.InitialChunk);

    /// <inheritdoc cref="WireFormat.WriteControl"/>
    internal void WriteControl(in ControlMessage message) => connection.Format.WriteControl(Buffer, message);

    /// <inheritdoc cref="WireFormat.WriteMessage"/>
    internal void WriteMessage(
        ReadOnlySpan<byte> value, ReadOnlySpan<byte> idPrefix = default, long offset = 0, EncodedFeedName? feed = null)
    {
        connection.Format.WriteMessage(Buffer, value, idPrefix, offset, feed);
        _messages++;
        HasWritten = true;
    }

    /// <inheritdoc cref="WriteDeadline.WriteAsync(Connection, FrameBuffer)"/>
    internal ValueTask<EndReason?> FlushAsync()
    {
        if (_buffer is not { Length: > 0 } buffer)
        {
            return default;
        }
        services.Metrics.Delivered(connection.Format.Name, Label, _messages, buffer.Length);
        _messages = 0;
        var write = services.WriteDeadline.WriteAsync(connection, buffer);
        Release();
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
        HasWritten = true;
        services.Metrics.Delivered(connection.Format.Name, Label, 1, message.Content.Length);
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
        connection.Format.WriteControl(Buffer, services.EndMessage(reason, lastId));
        return await FlushAsync() ?? reason;
    }

    public void Dispose() => Release();

    private FrameBuffer Buffer
    {
        get
        {
            if (_buffer is null)
            {
                (_buffer, t_spare) = (t_spare ?? new FrameBuffer(), null);
            }
            return _buffer;
        }
    }

    private void Release()
    {
        if (_buffer is not { } buffer)
        {
            return;
        }
        _buffer = null;
        if (t_spare is null)
        {
            buffer.Shrink(KeptCapacity);
            t_spare = buffer;
        }
        else
        {
            buffer.Dispose();
        }
    }
}
