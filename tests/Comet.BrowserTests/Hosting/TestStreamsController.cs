using System.Runtime.CompilerServices;
using System.Text.Json;
using Comet.AspNetCore;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.Hosting;

/// <summary>Streams that no app should have.</summary>
[Route("/test/streams")]
public sealed class TestStreamsController : Controller
{
    private const string Head = """<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>""";

    private const string Lines = "application/x-ndjson";

    /// <summary>What follows each hostile value.</summary>
    internal const string Canary = "the next message";

    [HttpGet("strings")]
    public CometResult Strings() => CometResults.String(Guarded(HostileValues.AllStrings), "parent.received");

    [HttpGet("json")]
    public CometResult Json() =>
        CometResults.Json(Guarded<object?>([.. HostileValues.AllStrings, .. HostileValues.Objects]), "parent.received");

    /// <summary>The numbers from 1 to <paramref name="count"/>, as fast as they go.</summary>
    [HttpGet("numbers/{count:int}")]
    public CometResult Numbers(int count, CancellationToken cancellation) =>
        CometResults.Json(UpTo(count, cancellation), "parent.received");

    /// <summary>A stream whose own first chunk has an inline script.</summary>
    [HttpGet("first-chunk")]
    public CometResult FirstChunk() => CometResults.String(
        new[] { "from the stream" }.ToAsyncEnumerable(),
        "parent.received",
        new() { InitialChunk = "<!DOCTYPE html><html><body><script>parent.received('from the chunk');</script>"u8.ToArray() });

    private static readonly string[] Doubled = ["e-1", "e-2", "e-2", "e-1", "e-10", "e-9", "e-10", "f-1", "f-1", "f-2"];

    /// <summary>What a broken server might send: messages again, older ones, and then another log.</summary>
    [HttpGet("doubled")]
    public ContentResult SendDoubled() => IsForLines
        ? Content(
            """{"type":"open"}""" + "\n" +
            string.Concat(Doubled.Select(id => $$"""{"type":"message","id":"{{id}}","data":"{{id}}"}""" + "\n")) +
            """{"type":"end","reason":"completed"}""" + "\n",
            Lines)
        : Content(
            Head +
            Control("{ type: 'open' }") +
            string.Concat(Doubled.Select(id => $"<script>frameElement.comet('{id}','{id}');</script>")) +
            Control("{ type: 'end', reason: 'completed' }"),
            "text/html; charset=utf-8");

    /// <summary>Expressions that are no JSON, and then a string.</summary>
    [HttpGet("functions")]
    public CometResult Functions() => CometResults.Raw(
        new ReadOnlyMemory<byte>[] { "[() => 1]"u8.ToArray(), "'the next'"u8.ToArray() }.ToAsyncEnumerable(),
        "parent.received");

    /// <summary>The numbers from 1 to 10, as long as the sign-in is valid.</summary>
    [Authorize, HttpGet("members")]
    public CometResult Members(CancellationToken cancellation) => CometResults.Json(UpTo(10, cancellation), "parent.received");

    /// <summary>The user's name, again and again.</summary>
    [Authorize, HttpGet("mine")]
    public CometResult Mine(CancellationToken cancellation) =>
        CometResults.String(UpTo(int.MaxValue, cancellation, pause: 100).Select(_ => User.Identity!.Name!), "parent.received");

    /// <summary>The <c>Authorization</c> of the request.</summary>
    [HttpGet("authorization")]
    public CometResult Authorization(CancellationToken cancellation)
    {
        var told = Request.Headers.Authorization.ToString();
        return CometResults.String(UpTo(1, cancellation).Select(_ => told), "parent.received");
    }

    /// <summary>The numbers from 1 to 3, which any page may have in a frame.</summary>
    [HttpGet("framed")]
    public CometResult Framed(CancellationToken cancellation) =>
        CometResults.Json(UpTo(3, cancellation), "parent.received", new() { FrameAncestors = "*" });

    /// <summary>Tells a CometSource the control messages in <paramref name="told"/>, and stays open.</summary>
    [HttpGet("told")]
    public async Task Tell([FromQuery] string[] told)
    {
        try
        {
            Response.ContentType = IsForLines ? Lines : "text/html; charset=utf-8";
            await Response.WriteAsync(IsForLines ? "" : Head + new string(' ', 1024));
            foreach (var detail in told.Select(json => JsonSerializer.Serialize(JsonElement.Parse(json))))
            {
                await Response.WriteAsync(IsForLines ? detail + "\n" : Control(detail));
                await Response.Body.FlushAsync(); // so that each may come by itself
            }
            await Task.Delay(Timeout.Infinite, HttpContext.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
    }

    [HttpGet("refused/{status:int}")]
    public IActionResult Refused(int status, string? retryAfter)
    {
        Response.Headers.RetryAfter = retryAfter;
        return status == StatusCodes.Status302Found ? Redirect("/test/empty") : StatusCode(status);
    }

    private bool IsForLines => Request.Headers.Accept == Lines;

    private static string Control(string detail) =>
        $"<script>window.frameElement?.dispatchEvent(new CustomEvent('comet', {{ detail: {detail} }}));</script>";

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

    private static async IAsyncEnumerable<int> UpTo(
        int count, [EnumeratorCancellation] CancellationToken cancellation, int? pause = null)
    {
        for (var i = 1; i <= count; i++)
        {
            yield return i;
            if (pause is not null || i % 500 == 0)
            {
                await Task.Delay(pause ?? 1, cancellation);
            }
        }
        await Task.Delay(Timeout.Infinite, cancellation);
    }
}
