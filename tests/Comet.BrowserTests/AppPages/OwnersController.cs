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

    [HttpGet("items/{id}")]
    public ContentResult Item(string id) => Content(id);

    [HttpHead("items/{key}")]
    public void HeadOfItem(string key) => Response.Headers["X-Head"] = key;

    [HttpGet("items/first")]
    public ContentResult First() => Content("The first");

    private static async IAsyncEnumerable<string> Ticks()
    {
        for (var i = 0; ; i++)
        {
            yield return $"{i}";
            await Task.Delay(100);
        }
    }
}
