using Comet.AspNetCore;
using Microsoft.AspNetCore.Mvc;

namespace Comet.BrowserTests.AppPages;

/// <summary>What an owner adds to the app, without a thought of HEAD.</summary>
[Route("/owner")]
public sealed class OwnersController : Controller
{
    [HttpGet]
    public ContentResult Index() => Content("A page");

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.String(Ticks(), "parent.ticked");

    [HttpPost("posted")]
    public ContentResult Posted() => Content("Posted");

    [HttpGet("both"), HttpHead("both")]
    public ContentResult Both() => Content("Both");

    [HttpGet("two")]
    public ContentResult Two() => Content("The one for GET");

    [HttpHead("two")]
    public void HeadOfTwo() => Response.Headers["X-Head"] = "its own";

    private static async IAsyncEnumerable<string> Ticks()
    {
        for (var i = 0; ; i++)
        {
            yield return $"{i}";
            await Task.Delay(100);
        }
    }
}
