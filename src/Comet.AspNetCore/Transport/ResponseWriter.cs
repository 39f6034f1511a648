using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>The way from a stream to its connection.</summary>
internal abstract class ResponseWriter(HttpContext context)
{
    private bool _isCut;

    /// <summary>Fires when the client is gone.</summary>
    internal virtual CancellationToken Aborted => context.RequestAborted;

    protected HttpContext Context => context;

    /// <summary>
    /// Takes the block's bytes, which may be reused as soon as this returns. Completes at once while the client keeps up, otherwise
    /// when the connection can take more.
    /// </summary>
    /// <returns>False: the connection is gone.</returns>
    internal abstract ValueTask<bool> WriteAsync(FrameBuffer block);

    /// <summary>Whether the connection took something, but not all, of a write since this was last asked.</summary>
    internal abstract bool HasProgressed();

    /// <summary>Ends the body, after the last write has completed and unless the connection was cut.</summary>
    internal ValueTask<bool> CompleteAsync() => context.Response.HasStarted && !_isCut ? EndBodyAsync() : new(true);

    /// <summary>Cuts the connection.</summary>
    internal void Abort()
    {
        _isCut = true;
        context.Abort();
    }

    protected virtual ValueTask<bool> EndBodyAsync() => new(true);

    /// <summary>Whether an exception of <see cref="WriteAsync"/> says no more than that the client is gone.</summary>
    internal static bool IsConnectionLoss(Exception exception) =>
        exception is OperationCanceledException or IOException or ObjectDisposedException or ConnectionAbortedException;
}
