using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using Comet.AspNetCore.Testing.Parsing;

namespace Comet.AspNetCore.Testing;

/// <summary>
/// Reads Comet streams, message by message, as they arrive:
/// <code>
/// await foreach (var message in CometReader.ReadAsync(client, "/clock/stream", cancellationToken: timeout.Token))
/// </code>
/// Leaving the loop closes the connection. (A <see cref="SocketsHttpHandler"/> first waits for the rest of the response, up to its
/// <see cref="SocketsHttpHandler.ResponseDrainTimeout"/> of 2 s; cancelling the token closes at once.)
/// </summary>
public static class CometReader
{
    /// <summary>Opens a stream and reads it to its end. A stream that answers 204 has no messages.</summary>
    /// <param name="client">Also that of a <c>WebApplicationFactory</c>. Its timeout ends with the response's headers.</param>
    /// <param name="url">Of the stream.</param>
    /// <param name="format">What to ask for by <c>Accept</c>.</param>
    /// <param name="lastEventId">Resume after this id, or <c>earliest</c>, or null.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="HttpRequestException">No connection, a status that is no success, or a connection that broke.</exception>
    /// <exception cref="FormatException">The response is no Comet stream, or ends in the middle of a message.</exception>
    public static async IAsyncEnumerable<CometMessage> ReadAsync(
        HttpClient client,
        [StringSyntax(StringSyntaxAttribute.Uri)] string url,
        CometFormat format = CometFormat.ScriptTags,
        string? lastEventId = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        using var request = new HttpRequestMessage(HttpMethod.Get, url)
        {
            Version = client.DefaultRequestVersion,
            VersionPolicy = client.DefaultVersionPolicy,
        };
        request.Headers.Accept.ParseAdd(MediaTypeOf(format));
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await foreach (var message in ReadAsync(response, cancellationToken))
        {
            yield return message;
        }
    }

    /// <summary>
    /// Reads the body of a response that was asked for with <see cref="HttpCompletionOption.ResponseHeadersRead"/>. Its media type names
    /// the format. The caller disposes of the response.
    /// </summary>
    /// <inheritdoc cref="ReadAsync(HttpClient, string, CometFormat, string?, CancellationToken)"/>
    public static async IAsyncEnumerable<CometMessage> ReadAsync(
        HttpResponseMessage response,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(response);
        response.EnsureSuccessStatusCode();
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            yield break;
        }
        var format = FormatOf(response.Content.Headers.ContentType?.MediaType);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var message in ReadAsync(body, format, cancellationToken))
        {
            yield return message;
        }
    }

    /// <summary>Reads a stream from its first byte to its end. The caller disposes of the body.</summary>
    /// <param name="body">The body of the response.</param>
    /// <param name="format">What it is written in.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FormatException">The body is no Comet stream, or ends in the middle of a message.</exception>
    public static async IAsyncEnumerable<CometMessage> ReadAsync(
        Stream body,
        CometFormat format,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        MessageParser parser = format switch
        {
            CometFormat.ScriptTags => new ScriptTagParser(),
            CometFormat.ServerSentEvents => new ServerSentEventParser(),
            CometFormat.Ndjson => new NdjsonParser(),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };
        var pipe = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            var seen = 0L; // bytes at the front that are no whole message
            while (true)
            {
                var read = await pipe.ReadAsync(cancellationToken);
                var rest = read.Buffer;
                // A long message comes in many pieces: it is looked at as a whole once it may have ended, not with each of them.
                while ((read.IsCompleted || MayEndMessage(rest.Slice(seen))) && parser.TryRead(ref rest) is { } message)
                {
                    seen = 0;
                    yield return message;
                }
                if (read.IsCompleted)
                {
                    parser.End(rest);
                    yield break;
                }
                seen = rest.Length;
                pipe.AdvanceTo(rest.Start, rest.End);
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    // A script element ends with the last of these, a line and an event with the others; JSON has none of them as they are.
    private static bool MayEndMessage(ReadOnlySequence<byte> bytes)
    {
        foreach (var piece in bytes)
        {
            if (piece.Span.ContainsAny("\r\n>"u8))
            {
                return true;
            }
        }
        return false;
    }

    private static string MediaTypeOf(CometFormat format) => format switch
    {
        CometFormat.ScriptTags => "text/html",
        CometFormat.ServerSentEvents => "text/event-stream",
        CometFormat.Ndjson => "application/x-ndjson",
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    private static CometFormat FormatOf(string? mediaType) => mediaType switch
    {
        "text/html" => CometFormat.ScriptTags,
        "text/event-stream" => CometFormat.ServerSentEvents,
        "application/x-ndjson" => CometFormat.Ndjson,
        _ => throw new FormatException($"No Comet stream has the media type \"{mediaType}\"."),
    };
}
