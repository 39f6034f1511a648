using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.Hosting;

/// <summary>Pages with nothing on them, that run no script but the site's files.</summary>
[Route("/test")]
public sealed class TestPagesController : Controller
{
    private const string Client = """<script src="/comet.js"></script>""";

    /// <summary>An empty page that has the browser client.</summary>
    [HttpGet("empty")]
    public ContentResult EmptyPage() => Page(Client);

    /// <summary>The same, but the page never finishes loading.</summary>
    [HttpGet("loading")]
    public ContentResult Loading() => Page(Client + """<img src="/test/nothing" alt="">""");

    /// <summary>An empty page with another policy.</summary>
    [HttpGet("policed")]
    public ContentResult Policed(string policy)
    {
        var page = EmptyPage();
        Response.Headers.ContentSecurityPolicy = policy;
        return page;
    }

    /// <summary>A sign-in page that will not be in a frame.</summary>
    [HttpGet("framebuster")]
    public ContentResult FrameBuster()
    {
        Response.Headers.ContentSecurityPolicy = "script-src 'unsafe-inline'";
        return Content("<script>if (top !== self) top.location = self.location;</script>", "text/html; charset=utf-8");
    }

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
            // The page was closed.
        }
    }

    private ContentResult Page(string body)
    {
        Response.Headers.ContentSecurityPolicy = "default-src 'self'";
        var page = $"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Test</title></head><body>{body}</body></html>""";
        return Content(page, "text/html; charset=utf-8");
    }
}
