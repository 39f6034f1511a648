using Comet.AspNetCore;
using CometApp.Models;
using CometApp.Security;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.RateLimiting;

namespace CometApp.Controllers;

/// <summary>A feed with history: whoever comes later, or comes back, misses nothing.</summary>
[Route("/announcements")]
public sealed class AnnouncementsController(Feed<Announcement> announcements, TimeProvider time) : Controller
{
    private const int Shown = 200;

    [HttpGet]
    public Task<ViewResult> Index(CancellationToken cancellation) => ShowAsync(new AnnouncementForm(), cancellation);

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.Feed(announcements, "parent.announced");

    [HttpPost]
    [EnableRateLimiting(FormProtection.PublishLimit)]
    public async Task<IActionResult> Post(AnnouncementForm form, CancellationToken cancellation)
    {
        if (!ModelState.IsValid)
        {
            Response.StatusCode = StatusCodes.Status400BadRequest;
            return await ShowAsync(form, cancellation);
        }
        try
        {
            await announcements.PublishAsync(new Announcement(form.Text!.Trim(), time.GetUtcNow()), cancellation);
            return RedirectToAction(nameof(Index));
        }
        catch (FeedUnavailableException)
        {
            ModelState.AddModelError(
                nameof(form.Text), "Announcements cannot be stored right now. Yours is still here: try again in a moment.");
            Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return View(nameof(Index), form);
        }
    }

    // The page shows the newest, and its stream goes on right behind them: nothing is missed, and nothing comes twice.
    private async Task<ViewResult> ShowAsync(AnnouncementForm form, CancellationToken cancellation)
    {
        try
        {
            form.Newest = await announcements.GetNewestAsync(Shown, cancellation);
        }
        catch (FeedUnavailableException)
        {
            // The stream brings them all, as soon as they can be read.
        }
        return View(nameof(Index), form);
    }
}
