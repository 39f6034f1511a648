using System.Net.Sockets;
using Comet.AspNetCore.Testing;

namespace CometBench.Load.Client;

/// <summary>How a stream ended.</summary>
/// <param name="At">When the client knew.</param>
/// <param name="Messages">How many came before.</param>
/// <param name="How">In words, for a table.</param>
internal sealed record StreamEnd(long At, long Messages, string How)
{
    /// <summary>What the server gave; null: it gave none.</summary>
    internal string? Reason { get; private init; }

    /// <summary>When the server wants the client back.</summary>
    internal TimeSpan? Retry { get; private init; }

    /// <summary>Reads a stream until it ends, or for as long as the token lets it.</summary>
    internal static async Task<StreamEnd> ReadAsync(HttpResponseMessage response, CancellationToken cancellation = default)
    {
        var messages = 0L;
        try
        {
            await foreach (var message in CometReader.ReadAsync(response, cancellation))
            {
                messages += message.Kind == CometMessageKind.Message ? 1 : 0;
                if (message.Kind == CometMessageKind.End)
                {
                    return Now($"end: {message.Reason}") with { Reason = message.Reason, Retry = message.Retry };
                }
            }
            return Now("closed");
        }
        catch (OperationCanceledException)
        {
            return Now("still open");
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or FormatException)
        {
            return Now(exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset } ? "reset" : "broken");
        }

        StreamEnd Now(string how) => new(Marker.Now, messages, how);
    }
}
