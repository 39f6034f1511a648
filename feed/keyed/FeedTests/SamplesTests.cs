using System.Net;
using Comet.AspNetCore.Testing;

namespace CometApp.Tests;

public class SamplesTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task Shows_what_is_posted_to_its_key_and_nothing_else()
    {
        var (red, blue) = (await browser.NewPageAsync(), await browser.NewPageAsync());
        await red.GoLiveAsync($"{app.Url}/samples/red");
        await blue.GoLiveAsync($"{app.Url}/samples/blue");

        await red.FillAsync("#Text", "Red is here.");
        await red.ClickAsync("#form button");
        await blue.FillAsync("#Text", "Blue is here.");
        await blue.ClickAsync("#form button");

        await red.WaitForSelectorAsync("#messages li");
        await blue.WaitForSelectorAsync("#messages li");
        Assert.Equal(["Red is here."], await red.Locator("#messages li p").AllInnerTextsAsync());
        Assert.Equal(["Blue is here."], await blue.Locator("#messages li p").AllInnerTextsAsync());
        await red.CloseAsync();
        await blue.CloseAsync();
    }

    [Fact]
    public async Task A_post_from_another_site_is_refused()
    {
        using var client = app.CreateClient();

        using var response = await client.PostAsync("/samples/red", new FormUrlEncodedContent([new("Text", "I am not the page.")]));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_form_chooses_no_other_key()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync($"{app.Url}/samples/mine");
        await page.EvalOnSelectorAsync("#form", """form => form.insertAdjacentHTML("beforeend", '<input name="key" value="other">')""");

        await page.FillAsync("#Text", "It is mine.");
        await page.ClickAsync("#form button");

        await page.WaitForSelectorAsync("#messages li");
        Assert.Equal(["It is mine."], await page.Locator("#messages li p").AllInnerTextsAsync());
        await page.CloseAsync();
    }
}
