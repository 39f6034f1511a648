using System.Diagnostics;
using CometApp.Models;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Controllers;

public sealed class HomeController : Controller
{
    [HttpGet("/"), HttpHead("/")]
    public ViewResult Index() => View();

    [Route("/error/{status:range(400,599)}")]
    [ResponseCache(NoStore = true)]
    [IgnoreAntiforgeryToken]
    public ViewResult Error(int status)
    {
        var (title, advice) = status switch
        {
            400 => ("That request was not understood", "Go back, reload the page and try again."),
            404 => ("There is nothing here", "Check the address, or start from the first page."),
            >= 500 => ("Something went wrong on our side", "It has been logged. Try again in a moment."),
            _ => ("That did not work", "Go back and try again."),
        };
        Response.StatusCode = status;
        return View(new ErrorPage(status, title, advice, Activity.Current?.Id ?? HttpContext.TraceIdentifier));
    }
}
