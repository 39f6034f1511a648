using Comet.AspNetCore;
using CometApp.Models;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Controllers;

[Route("/samples")]
public sealed class SamplesController(Feed<SamplesMessage> feed) : Controller
{
    [HttpGet]
    public ViewResult Index() => View();

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.Feed(feed, "parent.samplesChanged");
}
