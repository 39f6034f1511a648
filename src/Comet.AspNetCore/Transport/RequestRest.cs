using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// What a client sends after the head of its request, and nobody else reads while its stream is open. It would gather until the server's
/// buffer is full, 1 MiB, and then the server would not see either that the client has closed.
/// </summary>
internal sealed class RequestRest
{
    // A pipelined request fits. There is no use in one, but for a stream that ends soon.
    private const int MaxKept = 4 * 1024;

    private readonly HttpContext _context;
    private readonly PipeReader _input;
    private readonly Task _reading;

    private RequestRest(HttpContext context, PipeReader input)
    {
        (_context, _input) = (context, input);
        _reading = ReadAsync();
    }

    /// <summary>Reads the request's body to its end, if the app has not, and throws it away.</summary>
    /// <exception cref="BadHttpRequestException">It is longer or slower than the server allows.</exception>
    internal static async ValueTask SkipBodyAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        }
    }

    /// <summary>
    /// Reads, until the response is complete, what follows the request on its connection. It may be the next request, and is kept for it;
    /// more than a few KB of it close the connection. For HTTP/1 only: the others have a window for each request.
    /// </summary>
    internal static void ReadFollowing(HttpContext context)
    {
        if (Http1.Serves(context) && context.Features.Get<IConnectionTransportFeature>() is { } connection)
        {
            // Completion comes before the server reads the next request, however the response has ended.
            var rest = new RequestRest(context, connection.Transport.Input);
            context.Response.OnCompleted(static state => ((RequestRest)state).EndAsync(), rest);
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var length = read.Buffer.Length;
                _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCanceled)
                {
                    if (length > 0)
                    {
                        _input.CancelPendingRead(); // so that the server's next read has these bytes, and does not wait for more
                    }
                    return;
                }
                if (read.IsCompleted || length > MaxKept)
                {
                    _context.Abort();
                    return;
                }
            }
        }
        catch (Exception exception) when (ResponseWriter.IsConnectionLoss(exception))
        {
            // The connection is closed, of which the server tells the stream.
        }
    }

    private Task EndAsync()
    {
        if (!_reading.IsCompleted)
        {
            _input.CancelPendingRead();
        }
        return _reading;
    }
}
