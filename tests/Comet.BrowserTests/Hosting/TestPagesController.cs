using CometApp.Security;
using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.Hosting;

/// <summary>Pages with nothing of the app's on them but its headers.</summary>
[Route("/test")]
public sealed class TestPagesController(CspNonce nonce) : Controller
{
    private const string Client = """<script src="/_content/Comet.AspNetCore/comet.js"></script>""";

    /// <summary>An empty page that has the browser client.</summary>
    [HttpGet("empty")]
    public ContentResult EmptyPage() => Page(Client);

    /// <summary>The same, but the page never finishes loading.</summary>
    [HttpGet("loading")]
    public ContentResult Loading() => Page(Client + """<img src="/test/nothing" alt="">""");

    /// <summary>What never comes.</summary>
    [HttpGet("nothing")]
    public async Task Nothing()
    {
        try
        {
            await Task.Delay(Timeout.Infinite, HttpContext.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
    }

    /// <summary>Two inline scripts, of which only the first has the nonce.</summary>
    [HttpGet("scripts")]
    public ContentResult Scripts() => Page($$"""
        <script nonce="{{nonce}}">
          window.ran = ['nonce'];
          window.blocked = [];
          addEventListener('securitypolicyviolation', event => blocked.push(event.effectiveDirective));
        </script>
        <script>ran.push('none');</script>
        <script nonce="guessed">ran.push('wrong');</script>
        <p onclick="ran.push('attribute')">Text</p>
        """);

    private ContentResult Page(string body) =>
        Content($"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Test</title></head><body>{body}</body></html>""", "text/html; charset=utf-8");
}
