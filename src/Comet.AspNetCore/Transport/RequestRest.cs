using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// What a client sends after its request while its stream is open, and nobody else reads. It would gather until the server's buffer is
/// full, 1 MiB, and then the server would not see either that the client has closed. It is thrown away, and the connection is closed after
/// the response: a client that sends its next request before the end of a response has to be ready for that.
/// </summary>
internal sealed class RequestRest
{
    // Whoever sends more has not made a mistake about the end of its request.
    internal const int MaxBytes = 4 * 1024;

    private readonly HttpContext _context;
    private readonly PipeReader _input;
    private readonly Task _reading;
    private volatile bool _isEnding;

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
    /// Reads what follows the request on its connection; more than a few KB of it close the connection at once. Null: that needs no
    /// reading, as with HTTP/2 and later, which have a window for each request.
    /// </summary>
    internal static RequestRest? ReadFollowing(HttpContext context)
    {
        if (!Http1.Serves(context) || context.Features.Get<IConnectionTransportFeature>() is not { } connection)
        {
            return null;
        }
        var rest = new RequestRest(context, connection.Transport.Input);
        // Completion comes before the server reads the next request, however the response has ended.
        context.Response.OnCompleted(static state => ((RequestRest)state).EndAsync(), rest);
        return rest;
    }

    /// <summary>
    /// Reads no more. The client must not have seen the end of the response: what it sends after that is its next request, of which a
    /// reading would take the beginning.
    /// </summary>
    internal Task EndAsync()
    {
        if (!_reading.IsCompleted)
        {
            _isEnding = true;
            _input.CancelPendingRead();
        }
        return _reading;
    }

    private async Task ReadAsync()
    {
        var length = 0L;
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var received = read.Buffer.Length;
                _input.AdvanceTo(read.Buffer.End);
                length += received;
                if (read.IsCompleted || length > MaxBytes)
                {
                    _context.Abort();
                    return;
                }
                if (received > 0)
                {
                    _context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
                }
                if (_isEnding)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (ResponseWriter.IsConnectionLoss(exception))
        {
            // The connection is closed, of which the server tells the stream.
        }
    }
}
