using Comet.AspNetCore;
using CometApp.Feeds;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Controllers;

/// <summary>A sequence of its own for each visitor, and a page with a plain iframe.</summary>
[Route("/clock")]
public sealed class ClockController(Clock clock) : Controller
{
    [HttpGet]
    public ViewResult Index() => View();

    [HttpGet("stream")]
    public CometResult Stream(CancellationToken cancellation) => CometResults.String(clock.Ticks(cancellation), "parent.clockChanged");
}
