using Comet.AspNetCore;
using CometApp.Models;
using CometApp.Security;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;

namespace CometApp.Controllers;

/// <summary>A feed for each key, which begins at first use. Decide here who may read and write which.</summary>
[Route(@"/samples/{key:regex(^[[\w-]]{{1,64}}$)}")]
public sealed class SamplesController(KeyedFeeds<SamplesMessage> feeds, TimeProvider time) : Controller
{
    // Not a parameter, which a form could give as well: the route's constraint holds.
    private string Key => (string)RouteData.Values["key"]!;

    [HttpGet]
    public ViewResult Index() => View(new SamplesForm());

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.Feed(feeds.Get(Key), "parent.samplesChanged");

    [HttpPost]
    [EnableRateLimiting(FormProtection.PublishLimit)]
    public async Task<IActionResult> Post(SamplesForm form, CancellationToken cancellation)
    {
        if (!ModelState.IsValid)
        {
            Response.StatusCode = StatusCodes.Status400BadRequest;
            return View(nameof(Index), form);
        }
        try
        {
            await feeds.Get(Key).PublishAsync(new SamplesMessage(form.Text!.Trim(), time.GetUtcNow()), cancellation);
            return RedirectToAction(nameof(Index), new { key = Key });
        }
        catch (FeedUnavailableException)
        {
            ModelState.AddModelError(nameof(form.Text), "Messages cannot be stored right now. Yours is still here: try again in a moment.");
            Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return View(nameof(Index), form);
        }
    }
}
