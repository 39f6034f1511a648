using System.Diagnostics;
using Comet.AspNetCore;
using CometApp.Models;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Controllers;

public sealed class HomeController(Feed<Vitals> vitals, Feed<Announcement> announcements, IWebHostEnvironment environment) : Controller
{
    [HttpGet("/")]
    public ViewResult Index() => View();

    /// <summary>Two feeds on one connection: the first page has no other.</summary>
    [HttpGet("/live/stream")]
    public CometResult Live() => CometResults.Feeds([vitals, announcements], "parent.received");

    [Route("/error/{status:range(400,599)}")]
    [IgnoreAntiforgeryToken]
    public IActionResult Error()
    {
        // No visitor chooses the status, by an address or a form: a proxy may take 5xx for a failure of this server.
        var exception = HttpContext.Features.Get<IExceptionHandlerFeature>()?.Error;
        var answer = HttpContext.Features.Get<IStatusCodeReExecuteFeature>();
        if (exception is null && answer is null)
        {
            return NotFound();
        }
        var status = exception is null ? answer!.OriginalStatusCode : StatusCodes.Status500InternalServerError;
        var (title, advice) = status switch
        {
            400 => ("That request was not understood", "Go back, reload the page and try again."),
            404 => ("There is nothing here", "Check the address, or start from the first page."),
            429 => ("That is a lot at once", "Wait a few seconds, go back and try again."),
            >= 500 => ("Something went wrong on our side", "It has been logged. Try again in a moment."),
            _ => ("That did not work", "Go back and try again."),
        };
        Response.StatusCode = status;
        var details = environment.IsDevelopment() ? exception?.ToString() : null;
        return View(new ErrorPage(status, title, advice, Activity.Current?.Id ?? HttpContext.TraceIdentifier, details));
    }
}
