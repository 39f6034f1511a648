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
    [HttpGet]
    public ViewResult Index() => View(new AnnouncementForm());

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.Feed(announcements, "parent.announced");

    [HttpPost]
    [EnableRateLimiting(FormProtection.PublishLimit)]
    public async Task<IActionResult> Post(AnnouncementForm form, CancellationToken cancellation)
    {
        if (ModelState.IsValid)
        {
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
            }
        }
        else
        {
            Response.StatusCode = StatusCodes.Status400BadRequest;
        }
        return View(nameof(Index), form);
    }
}
