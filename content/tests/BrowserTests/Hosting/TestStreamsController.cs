using System.Runtime.CompilerServices;
using Comet.AspNetCore;
using CometApp.Security;
using Microsoft.AspNetCore.Mvc;

namespace BrowserTests.Hosting;

/// <summary>Streams that no app should have.</summary>
[Route("/test/streams")]
public sealed class TestStreamsController(CspNonce nonce) : Controller
{
    /// <summary>What follows each hostile value.</summary>
    internal const string Canary = "the next message";

    [HttpGet("strings")]
    public CometResult Strings() => CometResults.String(Guarded(HostileValues.Strings), "parent.received");

    [HttpGet("json")]
    public CometResult Json() => CometResults.Json(Guarded<object?>([.. HostileValues.Strings, .. HostileValues.Objects]), "parent.received");

    /// <summary>The numbers from 1 to <paramref name="count"/>, as fast as they go.</summary>
    [HttpGet("numbers/{count:int}")]
    public CometResult Numbers(int count, CancellationToken cancellation) => CometResults.Json(UpTo(count, cancellation), "parent.received");

    /// <summary>A stream whose own first chunk has an inline script.</summary>
    [HttpGet("first-chunk")]
    public CometResult FirstChunk() => CometResults.String(
        new[] { "from the stream" }.ToAsyncEnumerable(),
        "parent.received",
        new CometOptions { InitialChunk = "<!DOCTYPE html><html><body><script>parent.received('from the chunk');</script>"u8.ToArray() });

    private static readonly string[] Doubled = ["e-1", "e-2", "e-2", "e-1", "e-10", "e-9", "e-10", "f-1", "f-1", "f-2"];

    /// <summary>What a broken server might send: messages again, older ones, and then another log.</summary>
    [HttpGet("doubled")]
    public ContentResult SendDoubled() => Content(
        $$$"""<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><script nonce="{{{nonce}}}">frameElement.dispatchEvent(new CustomEvent('comet',{ detail: { type: 'open' } }));</script>""" +
        string.Concat(Doubled.Select(id => $"<script nonce=\"{nonce}\">frameElement.comet('{id}','{id}');</script>")) +
        $$$"""<script nonce="{{{nonce}}}">frameElement.dispatchEvent(new CustomEvent('comet',{ detail: { type: 'end', reason: 'completed' } }));</script>""",
        "text/html; charset=utf-8");

    [HttpGet("refused/{status:int}")]
    public StatusCodeResult Refused(int status) => StatusCode(status);

    private static async IAsyncEnumerable<T> Guarded<T>(IReadOnlyCollection<T> values)
        where T : class?
    {
        await Task.Yield();
        foreach (var value in values)
        {
            yield return value;
            yield return (T)(object)Canary;
        }
    }

    private static async IAsyncEnumerable<int> UpTo(int count, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var i = 1; i <= count; i++)
        {
            yield return i;
            if (i % 500 == 0)
            {
                await Task.Delay(1, cancellation);
            }
        }
        await Task.Delay(Timeout.Infinite, cancellation);
    }
}
