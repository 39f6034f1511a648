using Comet.AspNetCore.Testing;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>An open stream, read step by step.</summary>
internal sealed class TestStream : IAsyncDisposable
{
    private readonly Deadline _deadline;
    private readonly IAsyncEnumerator<CometMessage> _messages;

    private TestStream(HttpResponseMessage response, Deadline deadline)
    {
        (Response, _deadline) = (response, deadline);
        _messages = CometReader.ReadAsync(response, deadline.Token).GetAsyncEnumerator(deadline.Token);
    }

    internal HttpResponseMessage Response { get; }

    internal static async Task<TestStream> OpenAsync(
        HttpClient client, string path, CometFormat format, string? lastEventId, string? cookie = null)
    {
        var deadline = new Deadline();
        using var request = client.NewRequest(path);
        request.Headers.Add(
            "Accept",
            format == CometFormat.ScriptTags
                ? "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" // as a frame's
                : MediaTypes.Of(format));
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }
        var response = await deadline.WaitAsync(token => new ValueTask<HttpResponseMessage>(
            client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token)));
        return new TestStream(response, deadline);
    }

    /// <summary>The next message of whatever kind; fails when the stream ends instead.</summary>
    internal async Task<CometMessage> NextAsync()
    {
        Assert.True(await MoveNextAsync(), "The stream ended.");
        return _messages.Current;
    }

    /// <summary>The next message, which is of this kind.</summary>
    internal async Task<CometMessage> NextAsync(CometMessageKind kind)
    {
        var message = await NextAsync();
        Assert.True(message.Kind == kind, $"Instead of {kind} came {message}");
        return message;
    }

    /// <summary>The first message, of those to come, that is such a one.</summary>
    internal async Task<CometMessage> UntilAsync(Func<CometMessage, bool> isSuch)
    {
        while (true)
        {
            var message = await NextAsync();
            if (isSuch(message))
            {
                return message;
            }
        }
    }

    /// <summary>The next so many messages with a value; fails on any other kind.</summary>
    internal async Task<List<CometMessage>> TakeAsync(int count)
    {
        var messages = new List<CometMessage>(count);
        while (messages.Count < count)
        {
            messages.Add(await NextAsync(CometMessageKind.Message));
        }
        return messages;
    }

    internal async Task<string?> NextStringAsync() => (await NextAsync(CometMessageKind.Message)).Value.GetString();

    /// <summary>Everything up to the end of the response.</summary>
    internal async Task<List<CometMessage>> RestAsync()
    {
        var rest = new List<CometMessage>();
        while (await MoveNextAsync())
        {
            rest.Add(_messages.Current);
        }
        return rest;
    }

    public async ValueTask DisposeAsync()
    {
        await _messages.DisposeAsync();
        Response.Dispose();
        _deadline.Dispose();
    }

    private Task<bool> MoveNextAsync() => _deadline.WaitAsync(_ => _messages.MoveNextAsync());
}
