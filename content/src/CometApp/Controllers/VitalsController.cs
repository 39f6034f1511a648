using Comet.AspNetCore;
using CometApp.Models;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Controllers;

/// <summary>One feed for all visitors, of which only the newest message matters.</summary>
[Route("/vitals")]
public sealed class VitalsController(Feed<Vitals> vitals) : Controller
{
    [HttpGet]
    public ViewResult Index() => View();

    [HttpGet("stream")]
    public CometResult Stream() => CometResults.Feed(vitals, "parent.vitalsChanged");
}
