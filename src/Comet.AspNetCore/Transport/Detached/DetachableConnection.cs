using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// Kestrel's connection, with a <see cref="SocketPipeWriter"/> as its output. A stream can take it over when Kestrel is done with it.
/// </summary>
internal sealed class DetachableConnection : ConnectionContext
{
    private readonly ConnectionContext _inner;
    private readonly Socket _socket;
    private readonly SocketPipeWriter _output;
    private IDetachableStream? _stream;

    /// <param name="inner">Kestrel's own.</param>
    /// <param name="socket">Its socket.</param>
    /// <param name="detaches">Whether streams can go on without the server.</param>
    internal DetachableConnection(ConnectionContext inner, Socket socket, bool detaches)
    {
        (_inner, _socket) = (inner, socket);
        _output = SocketPipeWriter.ReplaceOutput(inner, socket, detaches ? this : null);
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override System.IO.Pipelines.IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _inner.ConnectionClosed;
        set => _inner.ConnectionClosed = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    /// <summary>Whether a stream takes the connection over, so that the end of Kestrel's output is not the end of the connection.</summary>
    internal bool IsDetached => _stream is not null;

    /// <summary>Gives the connection to a stream when Kestrel would close it.</summary>
    internal void DetachTo(IDetachableStream stream) => _stream = stream;

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override void Abort() => _inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await _output.CompleteAsync();
            _stream?.OnDetached(DetachedSocket.TakeFrom(_socket, SocketWatch.Shared!.Placeholder));
        }
        finally
        {
            await _inner.DisposeAsync();
        }
    }
}
